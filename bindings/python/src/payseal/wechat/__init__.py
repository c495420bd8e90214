"""Typed operations of WeChat Pay API v3. The modules are generated from the catalogue; any other operation works with `execute`."""
