# A worker of sinanews; also every other command: docker run … sinanews scrapy status
FROM python:3.12.7-slim-bookworm

RUN useradd --create-home --uid 10001 sinanews && mkdir /posts && chown sinanews /posts
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE scrapy.cfg ./
COPY sinanews ./sinanews
RUN pip install --no-cache-dir --constraint constraints.txt --editable '.[cluster]'

USER sinanews
ENV SINANEWS_EXPORTS=/posts PYTHONUNBUFFERED=1
VOLUME /posts
# SIGTERM: crawls end within seconds, jobs that are not done are given back.
STOPSIGNAL SIGTERM
# Whether a worker of this container is alive, by its lease in the catalogue.
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --retries=3 CMD ["scrapy", "worker", "--check"]
CMD ["scrapy", "worker"]
