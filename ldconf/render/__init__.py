"""One `Report`, several drawings. Pure: nothing here reads a clock, a file or the environment."""
