"""Makes the fixture of this version for the database in DATABASE_URL; see ``make help``."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import django


def main() -> None:
    from django.conf import settings
    from django.db import connection
    from django.test.utils import override_settings

    from tests.databases import content, dumps, reading

    settings.CHATSTORE_ASYNC_POOL = {}
    with tempfile.TemporaryDirectory() as media, override_settings(MEDIA_ROOT=media):
        name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            content.write()
            folder = dumps.FOLDER / newest_migration()
            folder.mkdir(exist_ok=True)
            stem = dumps.database_name()
            (folder / f"{stem}.sql").write_text(dumps.dump())
            expected = json.dumps(reading.read(), ensure_ascii=False, indent=1)
            (folder / f"{stem}.json").write_text(f"{expected}\n")
            for path in content.FILES:
                (folder / "files" / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(media, path), folder / "files" / path)
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)
    sys.stdout.write(f"{folder.relative_to(Path.cwd())}: {stem}\n")


def newest_migration() -> str:
    """Return the number of chatstore's newest migration, such as 0014."""
    from django.db.migrations.loader import MigrationLoader

    [(_app, name)] = MigrationLoader(None).graph.leaf_nodes("chatstore")
    return name[:4]


if __name__ == "__main__":
    django.setup()
    main()
