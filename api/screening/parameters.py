"""Constants of the impostor list and of the searches in it."""

# Days from today on after which an entry ends at the latest; who still has to be listed then is entered anew.
MOST_DAYS = 1827

# Pages of the list, as `GET /v1/impostors` answers them.
PAGE_ENTRIES = 50
LARGEST_PAGE = 200

# Candidates that a search hands to the exact comparison. The same person may be listed more than once: where so many
# are alike enough, more are asked for, up to the most, so that who listed them often hides nobody else's entry.
CANDIDATES = 10
MOST_CANDIDATES = 1_000
# How far below the threshold a candidate's score in the gallery may lie. Its vectors are turned and rounded, by which a
# score is off by 0.00005 (one standard deviation).
MARGIN = 0.005

# A replica looks after its gallery so often, in seconds: catches up, rebuilds what wants to be.
LOOK_S = 1.0
# It writes a snapshot when the list changed, at most so often.
SNAPSHOT_PAUSE_S = 60.0
# Entries whose time is over are ended so often, so many in a transaction at most; nobody finds them meanwhile.
EXPIRE_S = 30.0
EXPIRED_AT_ONCE = 100
# A list of which nothing could be read is read again so often: its keys may have been restored, or its entries removed.
LOST_S = 60.0
# After an error.
ERROR_PAUSE_S = 1.0

# Entries that are read and given to a new gallery at a time, and how often the building says how far it is.
BLOCK = 10_000
PROGRESS_S = 5.0
BAR = 20
# A whole list is read for long; a replica that catches up reads little.
BUILD_TIMEOUT_S = 3600.0

# Fingers of removed entries that are still looked at before the fingers' gallery is made anew.
DEAD_FINGERS = 50
