"""How large what is opened may be: checked before anything is unpacked or parsed, so that small files stay cheap.

docs/files.md has them as a table, which a test compares with this one.
"""

# Tables of measured data
MOST_COLUMNS = 1_000
LONGEST_LINE = 1_000_000  # characters
MOST_ROWS = 2_000_000
MOST_TRIALS = 10_000
LARGEST_TABLE = 200 * 2**20  # bytes, of the file and of what is unpacked from it
MOST_CELLS = 20_000_000  # that a sheet of a workbook may span: its reader makes all of them, those that are empty too

# Data drawn, moved and removed. Fewer strokes can be drawn (`data_edits.MOST_STROKES`), but erasing cuts them up.
MOST_STROKES = 5_000  # pieces included
MOST_HAND_NUMBERS = 100_000  # of all strokes and moves, and two for each place that is moved or removed

# Systems of one's own
LARGEST_SYSTEM = 100_000  # bytes of a .hnnsystem file

# Runs and sessions, in bytes unless they count
MOST_RUNS = 500
MOST_MODELS = 50  # of one experiment
LARGEST_JSON = 5_000_000  # run.json, session.json
MOST_JSON_VALUES = 500_000  # in one of them
MOST_SESSION_VALUES = 5_000_000  # in all those of a session
LARGEST_HISTORY = 20_000_000
MOST_STEPS = 200_000  # of a fit, a line of history.csv each
LARGEST_WEIGHTS = 200_000_000
MOST_SNAPSHOTS = 100  # of the weights along a fit
LARGEST_SNAPSHOTS = 10_000_000  # all of a run
LARGEST_DATA = 100_000_000  # data.npz
LARGEST_FRAMES = 100_000_000  # the frames in it, unpacked
LARGEST_SESSION = 1_000_000_000  # all members unpacked
LARGEST_TRAINING = 200_000_000  # of them the snapshots along fits: of more, fewer are kept
LARGEST_HISTORIES = 200_000_000  # of them the losses, which take several times their text once they are read
LARGEST_ARRAYS = 400_000_000  # all recordings of a session in memory, each that is there twice once
MOST_PACKING = 100  # times as large as it is packed, beyond the next
ALWAYS_UNPACKED = 20_000_000
LONGEST_TITLE = 200  # characters
LONGEST_LINK = 8_000  # characters of a link to a state
LARGEST_LINK = 200_000  # bytes that are unpacked of it
LONGEST_REASON = 2_000  # characters
