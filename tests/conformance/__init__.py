"""Our requests and our fake's answers, held to GitHub's own OpenAPI description by a proxy between the two."""
