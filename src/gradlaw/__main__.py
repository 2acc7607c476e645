"""``python -m gradlaw``."""

if __name__ == "__main__":
    from gradlaw.cli import main

    main()
