"""Ada over REST: for what a test needs many of, or more exactly than the form says it."""

from typing import Any

import httpx

from tests.e2e.product import Product


class Rest:
    """Ada, over REST."""

    def __init__(self, product: Product) -> None:
        credentials = {
            "grantType": "password",
            "username": "ada@acme.example",
            "password": product.password_of("ada"),
        }
        token = httpx.post(f"{product.url}/api/v1/token", json=credentials, timeout=30).json()["accessToken"]
        self._http = httpx.Client(
            base_url=f"{product.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        self._projects = {
            one["name"]: one["id"] for one in self._http.get("/org-unit/projects").json()["projects"]
        }

    def train(
        self,
        project: str,
        name: str,
        *,
        pool: str = "l40s",
        gpus: int = 1,
        annotations: dict[str, str],
        **spec: Any,
    ) -> str:
        """Submits a training; its id."""
        body = {
            "name": name,
            "projectId": self._projects[project],
            "spec": {
                "image": "registry.example/train:1",
                "command": "python",
                "nodePools": [pool],
                "compute": {"gpuDevicesRequest": gpus, "cpuCoreRequest": 1, "cpuMemoryRequest": "1Gi"},
                "annotations": [
                    {"name": f"simulator/{key}", "value": value} for key, value in annotations.items()
                ],
                **spec,
            },
        }
        answer = self._http.post("/workloads/trainings", json=body)
        assert answer.status_code < 300, answer.text
        return str(answer.json()["workloadId"])

    def phase(self, workload: str) -> str:
        return str(self._http.get(f"/workloads/{workload}").json()["phase"])

    def close(self) -> None:
        self._http.close()
