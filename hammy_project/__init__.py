"""The roof: wires everything, is imported by nothing."""
