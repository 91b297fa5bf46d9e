"""The ground floor: who comes in, how we speak, how we go out."""
