# The bot with its model, from this checkout; the README says how to run it.
FROM python:3.11-slim

WORKDIR /emotify
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY emotify_core/ emotify_core/
COPY responses/ responses/
COPY bot/ bot/
COPY models/ models/

# All that the bot writes goes to its data folder, ./data, and it may write nowhere else.
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action ignore -c requirements.lock -e '.[bot]' \
 && python -m compileall -q . \
 && useradd --system --no-create-home emotify \
 && install -d -o emotify -g emotify -m 700 data

USER emotify
ENV PYTHONUNBUFFERED=1
VOLUME /emotify/data
ENTRYPOINT ["python", "-m", "bot"]
