"""The judgement: reasons, layers of evidence, remedies."""
