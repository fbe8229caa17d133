package embedded

import (
	"bytes"
	"encoding/xml"
	"errors"
	"path/filepath"
	"text/template"
)

func configPath(dir string) string { return filepath.Join(dir, "config.xml") }
func usersPath(dir string) string  { return filepath.Join(dir, "users.xml") }

// engineConfig is what varies in the engine's configuration.
type engineConfig struct {
	Dir         string // of the engine's own files
	Users       string
	Native      int
	HTTP        int
	SharePort   bool
	Library     bool // and not a binary, which may be of any version
	MemoryLimit int64
}

// write puts the configuration where both kinds of engine are told to find it.
// Naming our own file also keeps them from reading one in the user's home, in
// the working directory or in /etc.
func (c engineConfig) write(dir string) error {
	t, err := template.New("config").Funcs(template.FuncMap{"xml": escapeXML}).Parse(configTemplate)
	if err != nil {
		return err
	}
	var config bytes.Buffer
	if err := t.Execute(&config, c); err != nil {
		return err
	}
	return errors.Join(
		writeFileAtomic(configPath(dir), config.Bytes()),
		writeFileAtomic(usersPath(dir), []byte(usersConfig)))
}

func escapeXML(s string) (string, error) {
	var b bytes.Buffer
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}

const configTemplate = `<clickhouse>
    <!-- Written at every start: changes made here are lost. -->
    <path>{{xml .Dir}}/</path>
    <tmp_path>{{xml .Dir}}/tmp/</tmp_path>
    <user_files_path>{{xml .Dir}}/user_files/</user_files_path>
    <format_schema_path>{{xml .Dir}}/format_schemas/</format_schema_path>
    <users_config>{{xml .Users}}</users_config>

    <listen_host>127.0.0.1</listen_host>
    <tcp_port>{{.Native}}</tcp_port>
    <http_port>{{.HTTP}}</http_port>
    <listen_reuse_port>{{if .SharePort}}1{{else}}0{{end}}</listen_reuse_port>

    <!-- No query from a web page: neither from another site (browsers say which in
         Sec-Fetch-Site) nor by a name that resolves to this machine. -->
    <http_handlers>
        <rule>
            <url>/ping</url>
            <handler><type>ping</type></handler>
        </rule>
        <rule>
            <headers>
                <Sec-Fetch-Site><![CDATA[regex:(none|same-origin)?]]></Sec-Fetch-Site>
                <Host><![CDATA[regex:(127\.0\.0\.1|localhost)(:[0-9]+)?]]></Host>
            </headers>
            <handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler>
        </rule>
    </http_handlers>

    <!-- Errors below fatal quote the queries they came from. -->
    <log-level>fatal</log-level>
    <logger><level>fatal</level><console>true</console></logger>
    <send_crash_reports><enabled>false</enabled></send_crash_reports>

    <!-- A laptop's share: the lower of the two limits holds. -->
    <max_server_memory_usage>{{.MemoryLimit}}</max_server_memory_usage>
    <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
    <!-- Otherwise the limit falls with what memory others leave free, and an engine that
         is beyond it aborts, since connections have no memory to begin with. -->
    <memory_worker_dynamic_hard_limit>0</memory_worker_dynamic_hard_limit>
    <mark_cache_size>67108864</mark_cache_size>
    <index_mark_cache_size>16777216</index_mark_cache_size>
    <primary_index_cache_size>67108864</primary_index_cache_size>
    <uncompressed_cache_size>0</uncompressed_cache_size>
    <compiled_expression_cache_size>16777216</compiled_expression_cache_size>

    <!-- What is dropped is off the disk; 480 seconds later by default. -->
    <database_atomic_delay_before_drop_table_sec>1</database_atomic_delay_before_drop_table_sec>

    <!-- An acknowledged insert is on the disk. -->
    <merge_tree>
        <fsync_after_insert>1</fsync_after_insert>
        <fsync_part_directory>1</fsync_part_directory>
        {{- if .Library}}
        <!-- Parts wait for more of their size until they are merged, so that what comes
             fast is merged less often. With their age and number the wait ends. 5 by
             default; older servers do not know it, and would not start. -->
        <merge_selector_base>20</merge_selector_base>
        {{- end}}
    </merge_tree>
</clickhouse>
`

const usersConfig = `<clickhouse>
    <!-- Written at every start: changes made here are lost. -->
    <!-- Seconds until an idle connection sees that the engine is to stop: 10 by default. -->
    <profiles><default><poll_interval>1</poll_interval></default></profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <password></password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
        </default>
    </users>
</clickhouse>
`
