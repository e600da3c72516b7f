"""Spiking convolution and pooling with shared kernels, dense and event-driven."""
