# What a newcomer needs. `make demo` and `make test` install all they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: help venv demo serve test check bench test-long test-zones test-every wheel topology clean

help:
	@echo "make demo    bill sample data and show the invoices"
	@echo "make test    run the tests (make test-long: other databases, kills, long stories; make test-zones: elsewhere)"
	@echo "make check   lint, types, import contracts, generated files"
	@echo "make bench   measure against a floor of the same run"
	@echo "make serve   serve on http://127.0.0.1:8000"
	@echo "make topology  serve as separate services behind nginx, as deploy/compose.yaml does"

venv: $(INSTALLED)

$(INSTALLED): pyproject.toml requirements.lock scripts/install
	@scripts/install "$(PYTHON)" "$(VENV)"
	@touch $@

demo: venv
	@$(BIN)/farthing demo

serve: venv
	@$(BIN)/farthing serve

# The compose file's services as processes of this machine, until Ctrl-C (needs nginx and redis-server).
topology: venv
	@$(BIN)/python -m tests.topology

test: venv
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-long: venv
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow and not every"

# What must hold wherever the machine stands: the tests of the inputs that go wrong most, in three zones more.
test-zones: venv
	@for zone in America/New_York Asia/Kolkata Pacific/Apia; do \
		TZ=$$zone $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" \
			$$(grep -rlE '\bT(1[3-9]|2[0-7]|30|38)\b' tests --include='*.py') || exit 1; \
	done

test-every: venv
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

check: venv
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python scripts/generate --check

bench: venv
	@$(BIN)/farthing bench

clean:
	rm -rf $(VENV) build dist

# The program as users install it: from the wheel, not from the source tree.
wheel: venv
	@rm -rf build/wheel && mkdir -p build/wheel
	@$(BIN)/pip wheel --quiet --no-deps --no-index --no-build-isolation --wheel-dir build .
	@$(BIN)/python -m venv --without-pip build/wheel
	@$(BIN)/pip --python build/wheel/bin/python install --quiet --no-deps --no-index build/farthing-*.whl
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> $$(build/wheel/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/dependencies.pth
