//! What holds for a file alone.
