"""An address as the lines that a window shows."""

MOST_LINES = 5
LONGEST_LINE = 60


def address_lines(address: str) -> list[str]:
    """The lines as they were given; of an address in one line, its parts between commas."""
    lines = [" ".join(line.split()) for line in address.replace("\r", "\n").split("\n")]
    lines = [line for line in lines if line]
    if len(lines) == 1 and len(parts := [part.strip() for part in lines[0].split(",") if part.strip()]) <= MOST_LINES:
        return [f"{part}," for part in parts[:-1]] + parts[-1:]
    return lines
