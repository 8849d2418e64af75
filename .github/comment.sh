#!/usr/bin/env bash
# comment.sh FILE: FILE as the one comment on pull request NUMBER whose first line is FILE's first line, and as the job's
# summary. Without the right to write (WRITABLE is not "true") it is the summary only.
set -euo pipefail

file=$1
cat "$file" >> "${GITHUB_STEP_SUMMARY:?}"
if [ "${WRITABLE:-}" != true ]; then
  echo "This run may not write to the pull request: the preview is in its summary."
  exit 0
fi
marker=$(head -n 1 "$file")
comments="repos/${GITHUB_REPOSITORY:?}/issues/${NUMBER:?}/comments"
# The reader of the answer must not stop early: `gh` would fail on the closed pipe.
found=$(MARKER="$marker" gh api --paginate "$comments" --jq '.[] | select(.body | startswith(env.MARKER)) | .id')
id=${found%%$'\n'*}
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$file"
else
  gh api --silent --method POST "$comments" --field "body=@$file"
fi
