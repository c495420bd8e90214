"""Adapters for frameworks and libraries that are installed or not: each module imports its own."""
