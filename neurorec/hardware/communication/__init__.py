"""Communication between workers that train one network: exact counts (`ring`, `units`), energy and time (`link_price`).

There are two ways to share the work. Data: every worker holds the whole network and processes its share of the samples;
whatever the rule, the replicas must merge their weight changes. Units: every worker holds some of the units; spikes, and the
messages of the rule, are sent between them. Distributing samples to the workers is the same for every rule and not counted.
"""
