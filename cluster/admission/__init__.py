"""What the mutating and validating webhooks answer. Pure: an AdmissionReview and the facts of its project in, the answer out."""
