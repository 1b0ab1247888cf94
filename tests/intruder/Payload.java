import java.nio.file.Files;
import java.nio.file.Paths;

/** Proves that it ran, and as whom. */
public class Payload {
    public static void main(String[] arguments) throws Exception {
        Files.write(Paths.get(arguments[0]), System.getProperty("user.name").getBytes());
    }
}
