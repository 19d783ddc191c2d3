"""What a namespace allows its objects: LimitRanges for each pod and claim, ResourceQuotas for all together. Pure."""
