package sparkk8s;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import io.fabric8.kubernetes.client.OAuthTokenProvider;

/** The bearer token of Spark's own Kubernetes client, read from its file for every request: tokens rotate. */
public class TokenFile implements OAuthTokenProvider {
    private final Path file;
    private volatile String last;

    public TokenFile(String file, String first) {
        this.file = Paths.get(file, new String[0]);
        this.last = first;
    }

    /** The token now; the last one that could be read while the file cannot. */
    public String getToken() {
        try {
            String token = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).trim();
            if (!token.isEmpty()) {
                last = token;
            }
        } catch (IOException error) {
            // The kubelet swaps the directory of a projected token: the next request reads the new one.
        }
        return last;
    }
}
