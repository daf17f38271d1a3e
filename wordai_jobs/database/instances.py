"""Servers that use this database, in the collection `server_instances`."""

from dataclasses import asdict
from datetime import datetime

from wordai_jobs.database.client import Database
from wordai_jobs.model.instance import Instance


class InstanceRepository:
    """Reads and writes the records of servers; every method raises DatabaseError where the database
    does not do it.
    """

    def __init__(self, database: Database) -> None:
        self._instances = database.instances
        self._errors_in_words = database.errors_in_words

    def beat(self, instance: Instance, now: datetime) -> None:
        """Record that the server is alive; its first heartbeat makes the record."""
        record = {**asdict(instance), "heartbeat_at": now}
        with self._errors_in_words():
            self._instances.update_one(
                {"instance_id": instance.instance_id}, {"$set": record}, upsert=True
            )

    def all(self) -> dict[str, Instance]:
        """Every recorded server by its id."""
        with self._errors_in_words():
            return {
                found["instance_id"]: Instance(**found)
                for found in self._instances.find({}, {"_id": False})
            }

    def remove(self, instance_id: str) -> None:
        with self._errors_in_words():
            self._instances.delete_one({"instance_id": instance_id})
