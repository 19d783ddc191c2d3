"""Who may count on how much: the fair-share division, the order of queues and the rules of reclaim."""
