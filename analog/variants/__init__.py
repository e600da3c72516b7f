"""Known circuits in transistors, beside the neuron of OTA and comparator."""
