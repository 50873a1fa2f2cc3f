package scores

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/parquet-go/parquet-go"
)

const (
	// version is the version of the files' layout. It does not depend on the version of the program, because two versions
	// of the program must write the same bytes for the same scores.
	version = "6"

	versionKey      = "harvest.version"
	capabilitiesKey = "harvest.capabilities"

	// rowGroupRows is DuckDB's size of a row group, its unit of parallel work. The file of a range has one or two row
	// groups, the file of a shard has one.
	rowGroupRows = 122_880
)

// sampleColumns are the columns before the columns of the capabilities. The page of this package explains them.
type sampleColumns struct {
	ID          string   `parquet:"id" meaning:"id of the sample, as its record has it"`
	Range       int32    `parquet:"range_index,delta" meaning:"number of the dataset's range, from 0"`
	Position    int32    `parquet:"position,delta" meaning:"number of the sample in its range, from 0"`
	Source      string   `parquet:"source,dict" meaning:"source of the sample"`
	Content     string   `parquet:"content" meaning:"hash of record and images: equal content, equal ratings"`
	Twin        string   `parquet:"twin" meaning:"hash of only the texts and images"`
	Tokens      int32    `parquet:"text_tokens,delta" meaning:"tokens of all turns by Qwen2's tokenizer, without images"`
	Answers     int32    `parquet:"answer_tokens,delta" meaning:"part of text_tokens in the model's turns"`
	Turns       int32    `parquet:"turns,delta" meaning:"human turns that the scorer reads"`
	Images      []string `parquet:"images,list" parquet-element:",dict" meaning:"hashes of the images, in their order"`
	Sizes       []string `parquet:"image_sizes,list" parquet-element:",dict" meaning:"640x480: width and height as stored"`
	Seen        []string `parquet:"images_seen,list" parquet-element:",dict" meaning:"state of each read image (below)"`
	Looks       []string `parquet:"image_signatures,list" parquet-element:",dict" meaning:"finds copies of images"`
	Words       string   `parquet:"text_signature" meaning:"finds questions in nearly the same words"`
	Questions   []string `parquet:"question_hashes,list" meaning:"hash of each turn of the human, normalised"`
	Template    string   `parquet:"template,dict" meaning:"first question without options, numbers and quotes"`
	Status      string   `parquet:"status,dict" meaning:"ok, failed or skipped"`
	ReasonCode  string   `parquet:"reason_code,dict" meaning:"why the sample is not ok, or cannot be selected; else empty"`
	Reason      string   `parquet:"reason,dict" meaning:"reason_code as a sentence"`
	Styles      []string `parquet:"styles,list" parquet-element:",dict" meaning:"styles of the answers, main one first"`
	OtherStyles []string `parquet:"other_styles,list" parquet-element:",dict" meaning:"named styles that the rubric lacks"`
}

// originColumns are the columns after the columns of the capabilities.
type originColumns struct {
	Distance  int32    `parquet:"distance,dict" meaning:"distance from the scorer's training data (below); 0: not known"`
	Scorer    string   `parquet:"scorer,dict" meaning:"id of the scorer"`
	Rubric    string   `parquet:"rubric,dict" meaning:"hash of the rubric"`
	Flags     []string `parquet:"flags,list" parquet-element:",dict" meaning:"unusual facts, such as off_reference"`
	TakenFrom string   `parquet:"taken_from,dict" meaning:"earlier run that had these scores; empty if rated for this run"`
}

// Meanings of the columns that each capability has.
const (
	ratingMeaning   = "rating, 0 to 5"
	expectedMeaning = "expected score, 0 to 5: the mean of the ratings by their probabilities"
	massMeaning     = "probability of all ratings together, 0 to 1"
	marginMeaning   = "probability of the most probable rating minus that of the second, 0 to 1"
)

func ratingColumn(capability string) string   { return "rating_" + slug(capability) }
func expectedColumn(capability string) string { return "expected_" + slug(capability) }
func massColumn(capability string) string     { return "mass_" + slug(capability) }
func marginColumn(capability string) string   { return "margin_" + slug(capability) }

// CheckCapabilities returns an error if files cannot have columns for these capabilities. The error names two
// capabilities that differ only in case and punctuation.
func CheckCapabilities(capabilities []string) error {
	_, err := schemaOf(capabilities)
	return err
}

// slug converts the name of a capability to a part of a column's name: in lower case, with one underscore for each run
// of characters other than letters and digits.
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

// schemas has the schemas that were made, by the names of the capabilities. To make one takes longer than to read a
// small file. None is removed: Go also keeps the types of reflect.StructOf for as long as the process lives.
var schemas sync.Map

// schemaOf returns the schema of a file of scores for these capabilities.
func schemaOf(capabilities []string) (*parquet.Schema, error) {
	key := fmt.Sprintf("%q", capabilities)
	if made, found := schemas.Load(key); found {
		return made.(*parquet.Schema), nil
	}
	row, err := rowOf(capabilities)
	if err != nil {
		return nil, err
	}
	schema := parquet.NewSchema("scores", parquet.SchemaOf(reflect.Zero(row).Interface()))
	schemas.Store(key, schema)
	return schema, nil
}

// rowOf returns the type of a row of a file of scores for these capabilities. It is a struct type, because a
// parquet.Group always sorts its fields by name.
func rowOf(capabilities []string) (reflect.Type, error) {
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
			Tag:  tagOf(ratingColumn(capability), ratingMeaning),
		})
		expected = append(expected, floatField(fmt.Sprintf("Expected%d", i), expectedColumn(capability), expectedMeaning))
		mass = append(mass, floatField(fmt.Sprintf("Mass%d", i), massColumn(capability), massMeaning))
		margin = append(margin, floatField(fmt.Sprintf("Margin%d", i), marginColumn(capability), marginMeaning))
	}
	return reflect.StructOf(slices.Concat(
		reflect.VisibleFields(reflect.TypeFor[sampleColumns]()), ratings, expected, mass, margin,
		reflect.VisibleFields(reflect.TypeFor[originColumns]()))), nil
}

func floatField(name, column, meaning string) reflect.StructField {
	return reflect.StructField{Name: name, Type: reflect.TypeFor[*float32](), Tag: tagOf(column, meaning)}
}

func tagOf(column, meaning string) reflect.StructTag {
	return reflect.StructTag(fmt.Sprintf(`parquet:"%s,dict" meaning:"%s"`, column, meaning))
}

// writerOptions returns the options of the writers of every file of this package. With them, the bytes of a file depend
// only on the rows. The default creator text of parquet-go would differ between a test and a deployed binary.
func writerOptions(schema *parquet.Schema) []parquet.WriterOption {
	return []parquet.WriterOption{
		schema,
		parquet.CreatedBy("harvest", version, ""),
		parquet.KeyValueMetadata(versionKey, version),
		parquet.Compression(&parquet.Zstd),
		parquet.MaxRowsPerRowGroup(rowGroupRows),
	}
}

// capabilitiesOption stores the full names of capabilities, because columns have only slugs.
func capabilitiesOption(capabilities []string) (parquet.WriterOption, error) {
	names, err := json.Marshal(capabilities)
	if err != nil {
		return nil, err
	}
	return parquet.KeyValueMetadata(capabilitiesKey, string(names)), nil
}
