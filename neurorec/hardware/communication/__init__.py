"""What workers that train one network must tell each other: exact counts (`ring`, `units`), energy and time (`price`).

Two ways to share the work. Data: every worker holds the whole network and sees its share of the samples; whatever the
rule, the replicas must merge their weight changes. Units: every worker holds some of the units; spikes cross between
them, and what the rule needs besides. Bringing samples to the workers is the same for every rule and not counted.
"""
