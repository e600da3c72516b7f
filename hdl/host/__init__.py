"""Networks behind a host: checked frames over UART or SPI, registers on a Wishbone bus."""

from .frames import Command, Identity, Status
from .top import LINKS, BusTop, HostTop, host_verilog

__all__ = ["LINKS", "BusTop", "Command", "HostTop", "Identity", "Status", "host_verilog"]
