"""Rate-coded spiking networks from networks of rectified linear units."""
