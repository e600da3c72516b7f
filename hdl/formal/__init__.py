"""Proofs: the step circuit equals the contract for every value; streams keep their rules.

Needs ``z3-solver`` and ``pyosys``; see ``docs/formal.md`` for what is proved and what is not.
"""
