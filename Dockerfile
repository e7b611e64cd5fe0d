FROM python:3.13-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN python -m venv /opt/advisor && /opt/advisor/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 advisor && mkdir /data && chown advisor /data
COPY --from=build /opt/advisor /opt/advisor
USER advisor
ENV PATH=/opt/advisor/bin:$PATH
EXPOSE 8080
ENTRYPOINT ["advisor"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080", "--store", "sqlite:////data/advisor.db"]
