"""Stochastic membranes: Siegert rate, Fokker-Planck density, first passage, Monte Carlo."""
