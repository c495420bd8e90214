"""Typed operations of Alipay. The modules are generated from the catalogue; any other operation works with `execute`."""
