package identifiers

import "testing"

func TestEmails(t *testing.T) {
	check := maskCheck(t, MaskText)
	check("'taro@example.com'", "'[email]'")
	check("taro@example.com.", "[email].")
	check("taro@example.co.jp-2024", "[email]-2024")
	check("taro@example.com2024", "[email]2024")
	check("taro@example.com/path", "[email]/path")
	check("山田@example.com", "[email]")
	check("担当：山田@example.com", "担当：[email]")
	check("taro@日本語.jp", "[email]")
	check(`"a b"@example.com`, "[email]")
	check(`{"at":"@example.com"}`, `{"at":"@example.com"}`)
	check("taro@[IPv6:2001:db8::1]", "[email]")
	check("ftp://user:pass@ftp.example.com/x", "ftp://[email]/x")
	check("a@b@c@example.com", "a@b@[email]")
	check("@taro@social.example", "@[email]")

	check("taro@example", "taro@example")
	check("taro@localhost", "taro@localhost")
	check("a@b.c", "a@b.c")
	check("@example.com", "@example.com")
	check("icon@2x.png react@18.2.0 go@v1.21.5 lib@1.2.x", "icon@2x.png react@18.2.0 go@v1.21.5 lib@1.2.x")
	check("package@1.0.0-beta.rc", "package@1.0.0-beta.rc")
	check("ライブ@渋谷 2024", "ライブ@渋谷 2024")
	check("taro@.com taro@-a.com taro@a..com", "taro@.com taro@-a.com taro@a..com")
	check("price @ $3.50", "price @ $3.50")
}
