"""Speed, as ratios of two figures taken in one run on one machine."""
