"""What can end a benchmark early, told in words that say what to do."""


class Trouble(Exception):
    """Something could not be measured. The message is for the person who started the benchmark."""


class WrongCount(Trouble):
    """A run whose sales do not add up."""
