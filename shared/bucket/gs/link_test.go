package gs_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"google.golang.org/api/option"
)

// TestLink checks that the URL of an object is signed, has the name of the file, and expires. An emulator returns none.
func TestLink(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "curate@farm.iam.gserviceaccount.com", "project_id": "farm",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"token_uri":   "http://127.0.0.1:1/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := storage.NewClient(t.Context(), option.WithAuthCredentialsJSON(option.ServiceAccount, account))
	if err != nil {
		t.Fatal(err)
	}
	var work bucket.Bucket = gs.New(client, "work")
	link, err := bucket.Link(t.Context(), work, "runs/a/subset.json", "a-subset.json", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(link)
	if err != nil || at.Path != "/work/runs/a/subset.json" || at.Query().Get("X-Goog-Signature") == "" ||
		at.Query().Get("X-Goog-Expires") != "59" && at.Query().Get("X-Goog-Expires") != "60" ||
		at.Query().Get("response-content-disposition") != `attachment; filename="a-subset.json"` {
		t.Errorf("link %s, error %v", link, err)
	}
	t.Setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:1")
	if link, err := bucket.Link(t.Context(), work, "runs/a/subset.json", "a.json", time.Minute); link != "" || err != nil {
		t.Errorf("of an emulator: link %q, error %v", link, err)
	}
	if link, err := bucket.Link(t.Context(), bucket.NewMemory(), "a", "a", time.Minute); link != "" || err != nil {
		t.Errorf("of memory: link %q, error %v", link, err)
	}
}
