"""Why a connection to a simulated pod is not made: the sentences of the API server and of the kubelets."""

NO_PORTS = "a port of a simulated pod cannot be forwarded, for no program runs in it that would answer there"
NO_SPDY = "a simulated node speaks WebSocket only, which kubectl does from version 1.31 on"
NO_INPUT = (
    "no input can be given to a simulated container, for no program runs in it: attach without it (kubectl attach"
    " without -i) shows what the container writes, kubectl exec runs a command"
)
