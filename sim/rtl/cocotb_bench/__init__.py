"""Bench that runs inside a simulator, under cocotb.

``streams``
    Source, Sink and Monitor of a stream of address events, and the pauses they make.
``trace``
    Monitor of the states that a core shows, and the comparison with the contract.
``bench``
    One scenario on one design: reset, drive, observe, compare.
``scenarios``
    The tests that cocotb runs, one for each scenario.

``python -m lifstone.sim.rtl.cocotb_bench FOLDER`` builds a design and runs them; see
:mod:`lifstone.sim.rtl.cosim` for the way in.
"""
