"""Constants of the search for duplicates and of its cases."""

# Pages of cases, as `GET /v1/duplicates` answers them.
PAGE_CASES = 50
LARGEST_PAGE = 200

# Identities that are one person: fewer than two are no duplicate.
LEAST_MEMBERS = 2
# Decimals of a log-likelihood ratio in an answer.
DECIMALS = 2
# Significant digits of an FMR in one.
DIGITS = 3

# False candidates aimed at, for each 1,000 people of the register, unless the command says otherwise.
FALSE_PER_1000 = 1.0
# People who are read out of the database at a time.
CHUNK = 10_000
# Pairs of alike faces whose fingers are read together.
FETCHED = 4_096
# How long a cluster's address may take to answer, in seconds.
CLUSTER_S = 10.0
# What a search that was broken off read of the people stays so long on the disk, in seconds.
LEFT_S = 86_400.0
