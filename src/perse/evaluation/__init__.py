"""Error rates on the user's own data: pairs, scores, rates, intervals, reports."""
