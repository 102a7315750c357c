"""What a command is asked to do: parsed once, from then on data. Imports nothing heavy."""
