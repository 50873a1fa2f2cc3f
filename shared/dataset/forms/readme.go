package forms

import (
	"fmt"
	"strings"
)

// Page is the page that documents the forms, in Markdown: README.md of this package.
func Page() string {
	var b strings.Builder
	b.WriteString("# Forms of records\n\n" +
		"Generated from `Table` by `go test ./shared/dataset/forms -run Page -update`.\n\n" +
		"The form of a record is the first of these that it is written in. `--format NAME` (`format:` in dataset.yaml) has\n" +
		"all records read as one form. In every form `id` is the sample's id, and `data_source`, `image_source` or `source`\n" +
		"says where it is from. Several spellings of roles are known, such as `human` and `user`. Fields that no form reads\n" +
		"stay in the record.\n")
	for _, form := range Table() {
		fmt.Fprintf(&b, "\n## %s\n\n```json\n%s\n```\n\n%s.\n", form.Name, form.Shape, form.Reads)
	}
	return b.String()
}
