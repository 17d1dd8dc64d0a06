# The demo site. compose.yaml runs it with PostgreSQL and Redis: docker compose up
FROM python:3.13-slim

# The last one gives the memory of large answers back to the system (docs/explanation/performance.md).
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_TRIM_THRESHOLD_=131072

WORKDIR /srv/chat

# What is installed changes less often than the demo.
COPY requirements.txt pyproject.toml MANIFEST.in README.md LICENSE ./
COPY chatstore chatstore
RUN pip install -r requirements.txt "redis>=6,<8"

COPY manage.py ./
COPY project project
COPY templates templates

# The files for a site with DEBUG=off; the key is used for nothing else.
RUN DEBUG=off SECRET_KEY=build python manage.py collectstatic --noinput \
    && useradd --create-home --uid 1000 chat \
    && install --directory --owner=chat --mode=700 media

USER 1000
EXPOSE 8000
CMD ["python", "-m", "uvicorn", "project.asgi:application", "--host", "0.0.0.0", "--port", "8000"]
