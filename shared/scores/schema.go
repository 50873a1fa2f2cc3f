package scores

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/parquet-go/parquet-go"
)

const (
	// version is the version of the files' layout. It is no part of the product's version: the
	// same scores must give the same bytes before and after a deploy.
	version = "4"

	versionKey      = "harvest.version"
	capabilitiesKey = "harvest.capabilities"

	// rowGroupRows is DuckDB's own size of a row group, its unit of parallel work: a range file is
	// one or two, and a shard's is never split.
	rowGroupRows = 122_880
)

// sampleColumns are the columns before those of the capabilities.
type sampleColumns struct {
	ID          string   `parquet:"id"`
	Range       int32    `parquet:"range_index,delta"`
	Position    int32    `parquet:"position,delta"`
	Source      string   `parquet:"source,dict"`
	Content     string   `parquet:"content"`
	Twin        string   `parquet:"twin"`
	Tokens      int32    `parquet:"tokens,delta"`
	Turns       int32    `parquet:"turns,delta"`
	Images      []string `parquet:"images,list" parquet-element:",dict"`
	Seen        []string `parquet:"images_seen,list" parquet-element:",dict"`
	Status      string   `parquet:"status,dict"`
	ReasonCode  string   `parquet:"reason_code,dict"`
	Reason      string   `parquet:"reason,dict"`
	Styles      []string `parquet:"styles,list" parquet-element:",dict"`
	OtherStyles []string `parquet:"other_styles,list" parquet-element:",dict"`
}

// originColumns are the columns after those of the capabilities.
type originColumns struct {
	Scorer    string   `parquet:"scorer,dict"`
	Rubric    string   `parquet:"rubric,dict"`
	Flags     []string `parquet:"flags,list" parquet-element:",dict"`
	TakenFrom string   `parquet:"taken_from,dict"`
}

func ratingColumn(capability string) string   { return "rating_" + slug(capability) }
func expectedColumn(capability string) string { return "expected_" + slug(capability) }
func massColumn(capability string) string     { return "mass_" + slug(capability) }
func marginColumn(capability string) string   { return "margin_" + slug(capability) }

// CheckCapabilities checks whether files can have columns for these capabilities: an error names two
// whose names differ in nothing but case and punctuation.
func CheckCapabilities(capabilities []string) error {
	_, err := schemaOf(capabilities)
	return err
}

// slug is a capability's name as part of a column's: lower case, with one underscore for each run
// of anything but letters and digits.
func slug(capability string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(capability) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		case !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	return b.String()
}

// schemaOf is the schema of a file of scores under these capabilities. It goes by way of a struct
// type because the fields of a parquet.Group are always sorted by name.
func schemaOf(capabilities []string) (*parquet.Schema, error) {
	if len(capabilities) == 0 {
		return nil, fmt.Errorf("no capabilities")
	}
	named := make(map[string]string, len(capabilities))
	var ratings, expected, mass, margin []reflect.StructField
	for i, capability := range capabilities {
		s := slug(capability)
		if s == "" {
			return nil, fmt.Errorf("capability %d has no name", i+1)
		}
		if other, taken := named[s]; taken {
			return nil, fmt.Errorf("capabilities %q and %q share the column %s: rename one",
				other, capability, ratingColumn(capability))
		}
		named[s] = capability
		ratings = append(ratings, reflect.StructField{
			Name: fmt.Sprintf("Rating%d", i),
			Type: reflect.TypeFor[*int8](),
			Tag:  reflect.StructTag(fmt.Sprintf(`parquet:"%s,dict"`, ratingColumn(capability))),
		})
		expected = append(expected, floatField(fmt.Sprintf("Expected%d", i), expectedColumn(capability)))
		mass = append(mass, floatField(fmt.Sprintf("Mass%d", i), massColumn(capability)))
		margin = append(margin, floatField(fmt.Sprintf("Margin%d", i), marginColumn(capability)))
	}
	row := reflect.StructOf(slices.Concat(
		reflect.VisibleFields(reflect.TypeFor[sampleColumns]()), ratings, expected, mass, margin,
		reflect.VisibleFields(reflect.TypeFor[originColumns]())))
	return parquet.NewSchema("scores", parquet.SchemaOf(reflect.Zero(row).Interface())), nil
}

func floatField(name, column string) reflect.StructField {
	return reflect.StructField{
		Name: name, Type: reflect.TypeFor[*float32](), Tag: reflect.StructTag(fmt.Sprintf(`parquet:"%s,dict"`, column)),
	}
}

// writerOptions are those of every file of this package. What is written under them depends on the
// rows alone: parquet-go's own creator string would differ between a test and a deployed binary.
func writerOptions(schema *parquet.Schema) []parquet.WriterOption {
	return []parquet.WriterOption{
		schema,
		parquet.CreatedBy("harvest", version, ""),
		parquet.KeyValueMetadata(versionKey, version),
		parquet.Compression(&parquet.Zstd),
		parquet.MaxRowsPerRowGroup(rowGroupRows),
	}
}

// capabilitiesOption records the names that the columns' slugs have lost.
func capabilitiesOption(capabilities []string) (parquet.WriterOption, error) {
	names, err := json.Marshal(capabilities)
	if err != nil {
		return nil, err
	}
	return parquet.KeyValueMetadata(capabilitiesKey, string(names)), nil
}
