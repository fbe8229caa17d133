package webhook_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sekisho/schemas/strict"
	"sekisho/sinks/forward"
	"sekisho/sinks/standin"
	"sekisho/sinks/webhook"
)

// authority is a certificate authority of the test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key, a.file, _ = a.make(name, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// make makes a certificate, which the authority signs once it has one of its own.
func (a *authority) make(name string, of *x509.Certificate) (cert *x509.Certificate, key *ecdsa.PrivateKey, certFile, keyFile string) {
	a.t.Helper()
	must := func(err error) {
		a.t.Helper()
		if err != nil {
			a.t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	of.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	must(err)
	of.Subject, of.NotBefore, of.NotAfter = pkix.Name{CommonName: name}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = of, key
	}
	der, err := x509.CreateCertificate(rand.Reader, of, parent, &key.PublicKey, signer)
	must(err)
	cert, err = x509.ParseCertificate(der)
	must(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	certFile, keyFile = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key")
	must(os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return cert, key, certFile, keyFile
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// TestMutualTLS: a receiver that asks for a certificate is sent events by a forwarder
// that has one of its authority, read anew when the file changes, and by no other; and
// only to a receiver whose own certificate is of the authority that is configured.
func TestMutualTLS(t *testing.T) {
	const secret = "whsec_c2VraXNob3Nla2lzaG9zZWtpc2hvc2VraXNobyEh"
	ours, foreign := newAuthority(t, "ours"), newAuthority(t, "foreign")
	_, _, serverCert, serverKey := ours.make("receiver", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	pair, err := tls.LoadX509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := standin.StartWebhook(standin.Options{Listen: "127.0.0.1:0", TLS: &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ours.pool(), MinVersion: tls.VersionTLS12,
	}}, standin.Webhook{Secrets: []string{secret}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = receiver.Stop(context.Background()) })
	c := webhook.Config{URL: receiver.URL() + "/events", Secrets: []strict.Secret{strict.NewSecret(secret)}, MaxEvents: 10}
	kind, err := webhook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	client := func() *x509.Certificate {
		return &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	}
	_, _, good, goodKey := ours.make("forwarder", client())
	_, _, bad, badKey := foreign.make("forwarder", client())
	send := func(encryption forward.TLS) error {
		t.Helper()
		sender, err := forward.NewSender(forward.Config{AllowPrivate: []string{"127.0.0.1"}, TLS: encryption}, kind.Limits())
		if err != nil {
			return err
		}
		request, err := kind.Request(t.Context(), &forward.Batch{Bodies: [][]byte{[]byte(`{"id":"a"}`)}})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := sender(request)
		if err == nil && forward.ByStatus(answer).Verdict != forward.Done {
			t.Fatalf("answered %d", answer.Status)
		}
		return err
	}
	check := func(what string, encryption forward.TLS, taken bool) {
		t.Helper()
		before := receiver.Received().Requests
		err := send(encryption)
		if got := receiver.Received().Requests > before; got != taken || (err == nil) != taken {
			t.Errorf("%s: taken %v, %v", what, got, err)
		}
	}
	check("a certificate of the authority", forward.TLS{CA: ours.file, Certificate: good, Key: goodKey}, true)
	check("no certificate", forward.TLS{CA: ours.file}, false)
	check("a certificate of another authority", forward.TLS{CA: ours.file, Certificate: bad, Key: badKey}, false)
	check("a receiver of another authority", forward.TLS{CA: foreign.file, Certificate: good, Key: goodKey}, false)
	check("a receiver of no authority", forward.TLS{Certificate: good, Key: goodKey}, false)
	for what, encryption := range map[string]forward.TLS{
		"the key of another": {CA: ours.file, Certificate: good, Key: badKey},
		"no file":            {CA: ours.file, Certificate: good + ".gone", Key: goodKey},
		"an empty authority": {CA: goodKey},
	} {
		if _, err := forward.NewSender(forward.Config{TLS: encryption}, kind.Limits()); err == nil {
			t.Errorf("%s: it is taken", what)
		}
	}

	// A renewed certificate is used without a restart.
	rotated, rotatedKey := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	put := func(cert, key string) {
		t.Helper()
		for from, to := range map[string]string{cert: rotated, key: rotatedKey} {
			text, err := os.ReadFile(from)
			if err == nil {
				err = os.WriteFile(to, text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	put(bad, badKey)
	sender, err := forward.NewSender(forward.Config{AllowPrivate: []string{"127.0.0.1"}, TLS: forward.TLS{CA: ours.file, Certificate: rotated, Key: rotatedKey}}, kind.Limits())
	if err != nil {
		t.Fatal(err)
	}
	for _, taken := range []bool{false, true} {
		request, err := kind.Request(t.Context(), &forward.Batch{Bodies: [][]byte{[]byte(`{"id":"b"}`)}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sender(request); (err == nil) != taken {
			t.Errorf("with the certificate of ours %v: %v", taken, err)
		}
		put(good, goodKey)
	}
}
