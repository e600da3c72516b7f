"""Amaranth realisation of the contract: cores, streams, network top, generated files."""

from .generate import Design, contract_hash, cycles_per_step, generate, read_design

__all__ = ["Design", "contract_hash", "cycles_per_step", "generate", "read_design"]
