"""Who did it? From a data folder to the verdict document.

In: a data folder, a scope and, if the user has one, the upgrade in question. Out: the verdict document of
`schemas/verdict.schema.json`: verdict, odds of each suspect with the evidence for and against it, what each remedy
would have saved, what to run next and what to do now. docs/method.md tells how.

The order of work: `question` (what is asked) · `cells` (the exposure table folded) · `suspects`, `windows`, `local`
(who could have done it) · `likelihood`, `search` (how well subsets of them explain the history) · `verdict` ·
`gibbs`, `reach`, `attribution` (who killed which job) · `sensitivity`, `placebo`, `counterfactuals`, `next_evidence`,
`recommendations` · `document`.
"""

from analysis.diagnose.document import diagnose

__all__ = ["diagnose"]
