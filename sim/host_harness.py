"""C++ around a Verilated device: the far end of its serial line or SPI, bit by bit."""

from __future__ import annotations

__all__ = ["harness_text"]


def harness_text(prefix: str, link: str, bit: int) -> str:
    """The C++ source.

    Parameters
    ----------
    prefix
        Name of the Verilated class.
    link
        ``uart`` or ``spi``.
    bit
        Clocks of a bit of the UART.
    """
    lines = _UART if link == "uart" else _SPI
    return (_HEAD + lines + _BODY).replace("@TOP@", prefix).replace("@BIT@", str(bit))


_HEAD = """
#include <cstdint>
#include <deque>
#include "@TOP@.h"
#include "verilated.h"
struct Device {
  VerilatedContext context;
  @TOP@ top;
  int64_t clocks = 0;
  std::deque<uint8_t> came;
  Device() : top(&context, "top") {}
  void clock() {
    top.clk = 0; top.eval();
    top.clk = 1; top.eval();
    ++clocks;
  }
"""

_UART = """
  // Receiver: counts from the falling edge of the start bit.
  int phase = -1; uint8_t byte = 0;
  void idle() { top.uart_rx = 1; }
  void listen() {
    const int level = top.uart_tx;
    if (phase < 0) { if (!level) { phase = 0; byte = 0; } else return; }
    const int bit = phase / @BIT@;
    if (phase % @BIT@ == @BIT@ / 2) {
      if (bit >= 1 && bit <= 8) byte |= level << (bit - 1);
      if (bit == 9) { if (level) came.push_back(byte); phase = -1; return; }
    }
    ++phase;
  }
  void step() { clock(); listen(); }
  void send(uint8_t value) {
    const int frame = value << 1 | 0x200;
    for (int k = 0; k < 10; ++k) {
      top.uart_rx = frame >> k & 1;
      for (int c = 0; c < @BIT@; ++c) step();
    }
  }
  void finish(int64_t clocks_left) {
    while (clocks_left-- > 0 && (came.empty() || phase >= 0 || came.back() != 0)) step();
  }
  void begin() {}
"""

_SPI = """
  void idle() { top.spi_cs_n = 1; top.spi_sck = 0; top.spi_mosi = 0; }
  void hold(int count) { for (int k = 0; k < count; ++k) clock(); }
  void send(uint8_t value) {
    uint8_t got = 0;
    for (int k = 7; k >= 0; --k) {
      top.spi_mosi = value >> k & 1;
      hold(4);
      top.spi_sck = 1;
      got = got << 1 | top.spi_miso;
      hold(4);
      top.spi_sck = 0;
    }
    came.push_back(got);
  }
  void begin() { top.spi_cs_n = 0; hold(8); }
  void finish(int64_t) { hold(4); top.spi_cs_n = 1; hold(8); }
"""

_BODY = """
  void reset() {
    idle(); top.rst = 1; clock(); clock(); top.rst = 0; clock();
  }
};
#define SHOWN extern "C" __attribute__((visibility("default")))
SHOWN void* device_open() {
  Device* device = new Device();
  device->reset();
  return device;
}
SHOWN void device_close(void* device) { delete static_cast<Device*>(device); }
SHOWN void device_reset(void* device) { static_cast<Device*>(device)->reset(); }
SHOWN int64_t device_clocks(void* device) { return static_cast<Device*>(device)->clocks; }
SHOWN int64_t device_run(void* handle, const uint8_t* out, int64_t count, uint8_t* in,
                         int64_t room, int64_t clocks) {
  Device* device = static_cast<Device*>(handle);
  device->begin();
  for (int64_t k = 0; k < count; ++k) device->send(out[k]);
  device->finish(clocks);
  int64_t found = 0;
  for (; found < room && !device->came.empty(); ++found) {
    in[found] = device->came.front();
    device->came.pop_front();
  }
  return found;
}
"""
