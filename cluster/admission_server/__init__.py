"""The HTTPS server behind the webhooks: certificates, registration with the API server, and the answers of cluster/admission."""
