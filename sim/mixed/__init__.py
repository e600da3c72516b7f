"""Analog and digital bodies in lock-step: ngspice in a process of its own, step by step."""
